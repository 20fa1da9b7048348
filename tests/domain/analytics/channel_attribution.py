"""Runs the package ChannelAttribution on what it reads, as a program of its own: it is GPL, and prints when imported.

Reads JSON, a list of data sets with a list of (path, conversions, value, nulls) each; the paths are keys joined by >.
Writes JSON: for each data set and each of its columns, the numbers by key.
"""

import contextlib
import json
import sys
import types

# It imports matplotlib, which it neither declares nor needs here.
for name in ("matplotlib", "matplotlib.pyplot"):
    sys.modules[name] = types.ModuleType(name)

with contextlib.redirect_stdout(sys.stderr):
    import ChannelAttribution
    import pandas as pd

    found = []
    for rows in json.load(sys.stdin):
        table = pd.DataFrame(rows, columns=["path", "conversions", "value", "nulls"])
        rules = ChannelAttribution.heuristic_models(table, "path", "conversions", "value", flg_pro=False)
        # It simulates walks: many of them, none cut short, and always the same ones.
        chain = ChannelAttribution.markov_model(
            table,
            "path",
            "conversions",
            var_null="nulls",
            order=1,
            nsim_start=200_000,
            nfold=1,
            max_step=100_000,
            seed=1,
            out_more=True,
            verbose=False,
            flg_pro=False,
        )
        tables = (rules, chain["result"], chain["removal_effects"])
        columns: dict[str, dict[str, float]] = {}
        for each in tables:
            columns |= each.set_index("channel_name").to_dict()
        found.append(columns)

json.dump(found, sys.stdout)
