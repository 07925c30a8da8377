"""`python -m kdmri_tf` is the console command `kdmri`."""

from kdmri_tf.cli.main import main

if __name__ == "__main__":
    main()
