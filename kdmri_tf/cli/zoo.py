"""Lists the trained networks that come with the package, and prints their model cards.

kdmri zoo
kdmri zoo cardiac-4x

A name of the zoo stands wherever a command takes a .keras file: kdmri reconstruct cardiac-4x ...
"""

import argparse

from kdmri_tf.cli import launch
from kdmri_tf.cli.parser import Parser
from kdmri_tf.errors import InputError

WORDS = ("task", "origin", "licence")  # that a card needs and no run knows
OF_ADDING = (*WORDS, "manual_dir", "data_dir")


def main(arguments: argparse.Namespace) -> None:
    from kdmri_tf.evaluation.model_card import model_card, zoo_table
    from kdmri_tf.zoo.cards import list_networks, network_card

    if arguments.add is not None:
        _add(arguments)
    for name in OF_ADDING:
        if arguments.add is None and getattr(arguments, name) is not None:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag} describes a network to --add: leave it out.")
    if arguments.name is None:
        print(zoo_table(list_networks()))
    else:
        print(model_card(network_card(arguments.name)))


def _add(arguments: argparse.Namespace) -> None:
    """Takes a finished stage into the zoo of this clone."""
    if arguments.name is None:
        raise InputError("--add needs a name for the network, such as cardiac-4x.")
    words = {name: getattr(arguments, name) for name in WORDS}
    for name, text in words.items():
        if not text:
            raise InputError(f"--add needs --{name}, in words, for the card.")
    from kdmri_tf.training.zoo_member import add_to_zoo

    places = {"manual_dir": arguments.manual_dir, "data_dir": arguments.data_dir}
    add_to_zoo(arguments.name, arguments.add, **words, **places)


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = Parser(description="List trained networks, or print the model card of one.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the network, for its card")
    add = parser.add_argument_group("for maintainers, in a clone").add_argument
    add("--add", metavar="STAGE", help="take the network of this stage's folder into the zoo")
    add("--task", help="what it does, in words")
    add("--origin", help="what the training images are and who distributes them, in words")
    add("--licence", help="of the training images, and so of the weights")
    add("--manual-dir", help="the data of that stage, as for kdmri kd")
    add("--data-dir", help="the same, prepared")
    launch.run(main, parser, after_stop="it starts over", keeps_memory=False)
