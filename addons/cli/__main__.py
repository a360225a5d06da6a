from addons.cli.main import main

main(prog_name="glassgate")
