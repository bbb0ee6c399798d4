"""A new distribution of plugins: a dataset, an encoder, a fusion and a method that work, to be changed into yours."""

from mmbench.scaffold.names import PluginName as PluginName
from mmbench.scaffold.names import parse_name as parse_name
from mmbench.scaffold.writing import make_plugin as make_plugin

__all__ = ["PluginName", "make_plugin", "parse_name"]
