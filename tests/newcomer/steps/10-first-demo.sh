# make demo, the first time
make demo > demo.log 2>&1 || { tail -n 40 demo.log; exit 1; }
! grep -q Traceback demo.log
