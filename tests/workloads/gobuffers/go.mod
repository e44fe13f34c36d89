module example.org/gobuffers

go 1.19
