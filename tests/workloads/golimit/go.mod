module example.org/golimit

go 1.19
