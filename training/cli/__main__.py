"""`python -m training.cli`: the command line where it is not installed as `skylift`, as in the image of training."""

from training.cli.app import app

if __name__ == "__main__":
    app(prog_name="skylift")
