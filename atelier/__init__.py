"""Garments with known attributes, drawn: the demo catalogue, and pictures to train and test on."""

from atelier.attributes import Garment, sample_garment
from atelier.catalogue import write_catalogue
from atelier.changes import change
from atelier.drawing import draw
from atelier.words import describe

__all__ = ["Garment", "change", "describe", "draw", "sample_garment", "write_catalogue"]
