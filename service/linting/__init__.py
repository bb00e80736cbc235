"""Looks at a bundle before it can run: strategists' own tests, rules that cannot work, entries that hit too much.

Above `moderate`, whose function runs the tests; below the command line. The door: `check_folder`, `run_tests`.
"""
