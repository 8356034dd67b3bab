# SPDX-License-Identifier: Apache-2.0
# Completion of ringfence for fish: the program itself knows what comes next.
function __ringfence_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path "$current"
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c ringfence -f -a '(__ringfence_complete)'
complete -c kubectl-ringfence -f -a '(__ringfence_complete)'
