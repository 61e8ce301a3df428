"""Groups of commands of the command line, one module a noun; :mod:`arengo.cli` hangs them on its tree."""
