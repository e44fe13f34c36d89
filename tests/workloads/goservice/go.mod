module example.org/goservice

go 1.19
