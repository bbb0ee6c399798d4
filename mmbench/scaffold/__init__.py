"""Scaffold of a plugin distribution: a working dataset, encoder, fusion and method to start from."""

from mmbench.scaffold.names import PluginName as PluginName
from mmbench.scaffold.names import parse_name as parse_name
from mmbench.scaffold.writing import make_plugin as make_plugin

__all__ = ["PluginName", "make_plugin", "parse_name"]
