module example.org/gobooks

go 1.19
