# relevo says what it is and what it can do
make -s .venv/.synced 2> sync.log || { cat sync.log; exit 1; }
[[ $(.venv/bin/relevo --version) =~ ^relevo\ [0-9] ]]
help=$(.venv/bin/relevo --help)
for command in up status logs reset demo bench doctor migrate topics secrets; do
  [[ $help == *" $command "* ]] || { echo "no $command in --help"; exit 1; }
  .venv/bin/relevo "$command" --help > /dev/null
done
# Piped, nothing is wrapped at the width of a terminal that is not there.
.venv/bin/relevo bench --help | awk 'length > 100 { wide = 1 } END { exit !wide }'
