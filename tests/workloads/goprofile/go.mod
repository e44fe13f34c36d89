module example.org/goprofile

go 1.19
