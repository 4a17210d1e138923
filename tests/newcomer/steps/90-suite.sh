# make test, all of it
make test > test.log 2>&1 || { tail -n 60 test.log; exit 1; }
tail -n 1 test.log
