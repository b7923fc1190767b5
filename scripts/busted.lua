-- busted for the interpreter that runs this file, in this very process: a crash shows as that process's signal.
require "busted.runner"({ standalone = false })
