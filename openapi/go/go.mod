module forerun.example/forerun

go 1.23
