module example.org/gocgo

go 1.19
