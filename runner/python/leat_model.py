# SPDX-License-Identifier: Apache-2.0
"""The user's class: found, made, and called with a batch.

Called in one of two ways (python.call): `dict`, arrays by name in and out; or `rows`, a
list with an element per row in, a list with a result per row out. Rows that the class gives
up by ItemError are left out and the rest is asked again.
"""
import importlib
import numbers
import sys

import numpy as np

import leat_runner
from leat_batch import WrongReturn
from leat_slab import TENSORS_MAX
from leat_tensor import TensorSpec


class Specs:
    """Tensors of the model: lines of model.properties, else attributes of the class."""

    def __init__(self, context, subject):
        self.max_batch_size = context.max_batch_size
        self.inputs = self._side(context, subject, "input")
        self.outputs = self._side(context, subject, "output")
        self.by_name = {spec.name.encode(): spec for spec in self.inputs}

    def _side(self, context, subject, side):
        lines = []
        while f"{side}.{len(lines)}" in context.properties:
            lines.append(context.properties[f"{side}.{len(lines)}"])
        lines = lines or list(getattr(subject, side + "s", ()))
        if not lines:
            raise ValueError(f"no {side}s: write {side}.0=NAME DATATYPE -1,... into "
                             f"model.properties, or {side}s = ['NAME DATATYPE -1,...'] into "
                             "the class")
        if len(lines) > TENSORS_MAX:
            raise ValueError(f"over {TENSORS_MAX} {side}s")
        specs = [TensorSpec(str(line), self.max_batch_size > 0) for line in lines]
        if len({spec.name for spec in specs}) != len(specs):
            raise ValueError(f"two {side}s have one name")
        return specs


def _import(context):
    name = context.properties.get("python.module", "model")
    sys.path.insert(0, context.directory)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"there is no {name}.py in {context.directory} (python.module names "
                         "the module)") from error


def _choose(context, module):
    """The class with predict, or an object that has it already."""
    name = context.properties.get("python.class")
    if name is None and hasattr(module, "Model"):
        name = "Model"
    own = [n for n, thing in vars(module).items() if isinstance(thing, type)
           and thing.__module__ == module.__name__ and hasattr(thing, "predict")]
    if name is None and len(own) == 1:
        name = own[0]
    if name is None or not hasattr(module, name):
        wanted = "no class Model" if name is None else f"no {name}"
        raise ValueError(f"{module.__name__} has {wanted}; of its own with predict it has "
                         f"{', '.join(own) or 'none'} (python.class names one)")
    chosen = getattr(module, name)
    if not callable(getattr(chosen, "predict", None)):
        raise ValueError(f"{module.__name__}.{name} has no method predict")
    return chosen


class Model:
    """The loaded class."""

    def __init__(self, context):
        chosen = _choose(context, _import(context))
        self.subject = chosen() if isinstance(chosen, type) else chosen
        self.specs = Specs(context, self.subject)
        style = context.properties.get("python.call", getattr(self.subject, "call", "dict"))
        if style not in ("dict", "rows"):
            raise ValueError(f"python.call={style} is neither dict nor rows")
        if style == "rows" and context.max_batch_size == 0:
            raise ValueError("python.call=rows needs a model that batches: max.batch.size is 0")
        self.call = self._call_dict if style == "dict" else self._call_rows
        self.preprocess = getattr(self.subject, "preprocess", None)
        self.postprocess = getattr(self.subject, "postprocess", None)
        if hasattr(self.subject, "load"):
            self.subject.load()

    def _call_dict(self, inputs):
        if self.preprocess:
            inputs = self.preprocess(inputs)
        outputs = self.subject.predict(inputs)
        return self.postprocess(outputs) if self.postprocess else outputs

    def device_memory(self):
        """Bytes of its device that the class says it holds; 0 if it says nothing."""
        told = getattr(self.subject, "device_memory", 0)
        held = told() if callable(told) else told
        if not isinstance(held, numbers.Integral) or held < 0:
            raise ValueError(f"device_memory has to be a number of bytes, not {held!r}")
        return int(held)

    def _each(self, function, values):
        """function of each value; those that raise are told as one ItemError."""
        results, failures = [], {}
        for row, value in enumerate(values):
            try:
                results.append(function(value))
            except Exception as error:  # whatever it is, it is this row's alone
                failures[row] = describe(error)
        if failures:
            raise leat_runner.ItemError(failures)
        return results

    def _call_rows(self, inputs):
        names = list(inputs)
        rows = list(inputs[names[0]]) if len(names) == 1 else [
            dict(zip(names, values)) for values in zip(*inputs.values())]
        if self.preprocess:
            rows = self._each(self.preprocess, rows)
        count = len(rows)
        results = self.subject.predict(rows)
        if not hasattr(results, "__len__") or len(results) != count:
            got = f"{len(results)} results" if hasattr(results, "__len__") else (
                type(results).__name__)
            raise WrongReturn(f"predict must return a list of one result per row: {count} rows, "
                              f"got {got}")
        if self.postprocess:
            results = self._each(self.postprocess, results)
        return {spec.name: self._column(spec, results) for spec in self.specs.outputs}

    def _column(self, spec, results):
        if len(self.specs.outputs) > 1:
            for result in results:
                if not isinstance(result, dict) or spec.name not in result:
                    raise WrongReturn(f"output {spec.name}: each result must be a dict with it")
            results = [result[spec.name] for result in results]
        column = _stack(spec, results)
        row_shape = spec.shape[1:]
        if -1 not in row_shape and column.size == len(results) * int(np.prod(row_shape)):
            column = column.reshape(len(results), *row_shape)
        return column

    def answer(self, inputs, rows, failures):
        """(outputs, rows they are of); rows that fail by themselves are put into failures.

        None instead of rows means all of them; outputs None that none is left.
        """
        alive = None
        while True:
            try:
                given = inputs if alive is None else {
                    name: array[alive] for name, array in inputs.items()}
                return self.call(given), alive
            except leat_runner.ItemError as error:
                if rows is None:
                    raise
                _note(error, list(range(rows)) if alive is None else alive, failures)
                if error.outputs is not None:
                    return error.outputs, alive
                alive = [row for row in range(rows) if row not in failures]
                if not alive:
                    return None, alive


def _stack(spec, results):
    dtype = np.float32 if spec.datatype == "BF16" else spec.dtype
    try:
        return np.array(list(results), dtype)
    except Exception as error:
        raise WrongReturn(f"output {spec.name}: the results make no array of {spec.datatype}: "
                          f"{error}") from error


def _note(error, numbers, failures):
    """Enters the rows of an ItemError, by their numbers in the whole batch."""
    if not error.rows:
        raise WrongReturn("an ItemError names no rows") from error
    for row, message in error.rows.items():
        if not 0 <= row < len(numbers):
            raise WrongReturn(f"an ItemError names row {row} of {len(numbers)}") from error
        failures[numbers[row]] = (message, error.refused)


def describe(error):
    """An exception in one line: its kind and its words."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
