module example.org/gostuck

go 1.19
