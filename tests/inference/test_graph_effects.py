"""Operations of a SavedModel that do more than compute are found, wherever they hide."""

import re

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from keras_ms import inference
from keras_ms.inference.graph_effects import effects_of_saved_model
from keras_ms.inference.operations import effect_of

SPEC = [tf.TensorSpec((), tf.float32)]


def saved(folder, function, **attributes):
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.function = tf.function(function, SPEC)
    for name, value in attributes.items():
        setattr(module, name, value)
    tf.saved_model.save(module, str(folder))
    return folder


def proto(folder):
    return SavedModel.FromString((folder / "saved_model.pb").read_bytes())


def found(folder):
    return {(effect.name, effect.does) for effect in inference.effects(folder)}


def write(x):
    tf.io.write_file("there", tf.strings.as_string(x))
    return x


def within_while(x):
    return tf.while_loop(lambda y: y < 3.0, lambda y: (write(y) + 1.0,), (x,))[0]


def within_cond_of_a_function(x):
    inner = tf.function(lambda y: tf.cond(y > 1.0, lambda: write(y), lambda: y))
    return inner(x) * 2.0


def within_case(x):
    branches = [lambda: x, lambda: write(x)]
    return tf.switch_case(tf.cast(x, tf.int32), branches)


def within_a_map(x):
    return tf.reduce_sum(tf.map_fn(write, tf.stack([x, x])))


def within_a_dataset(x):
    return tf.data.Dataset.from_tensors(x).map(write).reduce(0.0, lambda a, b: a + b)


@tf.custom_gradient
def within_a_gradient(x):
    return x * 1.0, write


def prints_to_a_file(x):
    tf.print(x, output_stream="file:///tmp/there")
    return x


def saves(x):
    tf.raw_ops.SaveV2(prefix="there", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    return x


def merges(x):
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=["there"], destination_prefix="here")
    return x


def saves_as_of_old(x):
    tf.raw_ops.Save(filename="there", tensor_names=["x"], data=[x])
    return x


def caches(x):
    return tf.data.Dataset.from_tensors(x).cache("there").reduce(0.0, lambda a, b: a + b)


def summarises(x):
    writer = tf.raw_ops.SummaryWriter()
    tf.raw_ops.CreateSummaryFileWriter(
        writer=writer, logdir="there", max_queue=1, flush_millis=1, filename_suffix=""
    )
    return x


def runs_python(x):
    return tf.ensure_shape(tf.py_function(lambda y: y, [x], tf.float32), ())


def runs_numpy(x):
    return tf.numpy_function(lambda y: y, [x], tf.float32)


def runs_numpy_without_state(x):
    return tf.numpy_function(lambda y: y, [x], tf.float32, stateful=False)


def reads(x):
    return x * tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)


def maps_a_file_into_memory(x):
    return x * tf.raw_ops.ImmutableConst(
        dtype=tf.float32, shape=(), memory_region_name="/etc/passwd"
    )


def restores(x):
    return (
        x
        * tf.raw_ops.RestoreV2(
            prefix="there", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
        )[0]
    )


def debugs(x):
    return tf.raw_ops.DebugIdentityV2(input=x, debug_urls=["file:///tmp/there"])


def ends(x):
    tf.raw_ops.Abort(error_msg="")
    return x


HARMFUL = {
    write: ("WriteFile", "writes files"),
    within_while: ("WriteFile", "writes files"),
    within_cond_of_a_function: ("WriteFile", "writes files"),
    within_case: ("WriteFile", "writes files"),
    within_a_map: ("WriteFile", "writes files"),
    within_a_dataset: ("WriteFile", "writes files"),
    within_a_gradient: ("WriteFile", "writes files"),
    prints_to_a_file: ("PrintV2", "writes files"),
    saves: ("SaveV2", "writes files"),
    merges: ("MergeV2Checkpoints", "writes files"),
    saves_as_of_old: ("Save", "writes files"),
    caches: ("CacheDatasetV2", "writes files"),
    summarises: ("CreateSummaryFileWriter", "writes files"),
    runs_python: ("EagerPyFunc", "runs Python"),
    runs_numpy: ("PyFunc", "runs Python"),
    runs_numpy_without_state: ("PyFuncStateless", "runs Python"),
    reads: ("ReadFile", "reads files"),
    maps_a_file_into_memory: ("ImmutableConst", "reads files"),
    restores: ("RestoreV2", "reads files"),
    debugs: ("DebugIdentityV2", "writes files or sends data away"),
    ends: ("Abort", "ends the process"),
}


@pytest.mark.parametrize("function", HARMFUL, ids=lambda function: function.__name__)
def test_what_does_more_than_compute_is_found_without_loading_it(function, tmp_path, monkeypatch):
    folder = saved(tmp_path, function)
    monkeypatch.setattr(tf.saved_model, "load", None)
    assert HARMFUL[function] in found(folder)


def test_what_runs_when_a_table_is_made_is_found(tmp_path):
    (tmp_path / "words").write_text("a\nb\n")
    keys = tf.lookup.TextFileIndex.WHOLE_LINE
    rows = tf.lookup.TextFileIndex.LINE_NUMBER
    initializer = tf.lookup.TextFileInitializer(
        str(tmp_path / "words"), tf.string, keys, tf.int64, rows
    )
    table = tf.lookup.StaticHashTable(initializer, -1)
    folder = saved(tmp_path / "model", lambda x: x, table=table)
    assert ("InitializeTableFromTextFileV2", "reads files") in found(folder)


def test_what_only_computes_has_no_effects(tmp_path):
    initializer = tf.lookup.KeyValueTensorInitializer([1, 2], [3, 4])
    table = tf.lookup.StaticHashTable(initializer, -1)
    counted = tf.Variable(0.0)

    def function(x):
        tf.print("x", x)
        tf.debugging.assert_all_finite(x, "finite")
        counted.assign_add(1.0)
        y = tf.while_loop(lambda y: y < 3.0, lambda y: (y + 1.0,), (x,))[0]
        y += tf.random.uniform(()) + tf.random.stateless_normal((), (1, 2))
        return y + tf.cast(table.lookup(tf.cast(x, tf.int32)), tf.float32) + counted

    folder = saved(tmp_path, function, table=table, counted=counted)
    assert inference.effects(folder) == ()
    stored = proto(folder).meta_graphs[0].graph_def
    saving = {node.op for f in stored.library.function for node in f.node_def}
    assert "SaveV2" in saving  # of the variables, which is no effect of the model's


def test_saving_that_a_model_calls_by_itself_is_an_effect(tmp_path):
    tampered = proto(saved(tmp_path, lambda x: x * 2.0))
    library = tampered.meta_graphs[0].graph_def.library.function
    saving = next(f for f in library if any(node.op == "SaveV2" for node in f.node_def))
    called = tampered.meta_graphs[0].object_graph_def.concrete_functions
    own = next(f for f in library if f.signature.name in called)
    call = own.node_def.add(name="more", op="StatefulPartitionedCall")
    call.attr["f"].func.name = saving.signature.name
    assert ("SaveV2", "writes files") in {e[:2] for e in effects_of_saved_model(tampered)}


def test_other_effects_within_saving_are_found(tmp_path):
    tampered = proto(saved(tmp_path, lambda x: x * 2.0))
    library = tampered.meta_graphs[0].graph_def.library.function
    saving = next(f for f in library if any(node.op == "SaveV2" for node in f.node_def))
    saving.node_def.add(name="more", op="WriteFile")
    (effect,) = effects_of_saved_model(tampered)
    assert (effect.name, effect.where) == ("WriteFile", saving.signature.name)


def test_models_that_are_loaded_as_of_old_may_save_nothing(tmp_path):
    tampered = proto(saved(tmp_path, lambda x: x * 2.0))
    tampered.meta_graphs[0].ClearField("object_graph_def")
    assert "SaveV2" in {effect.name for effect in effects_of_saved_model(tampered)}


def test_two_functions_of_one_name_are_both_looked_at(tmp_path):
    tampered = proto(saved(tmp_path, lambda x: x * 2.0))
    library = tampered.meta_graphs[0].graph_def.library
    for function in (library.function.add(), library.function.add()):
        function.signature.name = "twice"
    library.function[-2].node_def.add(name="more", op="WriteFile")
    assert [effect.name for effect in effects_of_saved_model(tampered)] == ["WriteFile"]


def test_operations_that_are_not_known_are_effects():
    node = tf.compat.v1.NodeDef(op="MinesBitcoin")
    assert effect_of(node) == "is unknown to this TensorFlow"


# Stateful operations that change nothing outside of the process.
HARMLESS = (
    "(Resource)?(Sparse)?Apply\\w+|(Resource)?Scatter\\w+|\\w*Variable\\w*|\\w*VarHandle\\w*|"
    "Assign\\w*|VarIs\\w+|ResourceGather\\w*|ResourceCountUpTo|DestroyResourceOp|\\w*Mutex\\w*|"
    "\\w*Random\\w*|\\w*Rng\\w*|\\w*Seed\\w*|Multinomial|\\w*Sampler|SampleDistorted\\w+|"
    "\\w*Table\\w*|\\w*Queue\\w*|\\w*Barrier\\w*|\\w*Accumulator\\w*|\\w*Stack\\w*|"
    "(Ordered)?Map(Clear|Peek|Stage|Unstage|Size|IncompleteSize|UnstageNoKey)|"
    "Stage\\w*|Unstage|TensorArray\\w*|\\w*SessionHandle\\w*|\\w*SessionTensor|"
    "\\w*Iterator\\w*|\\w*Dataset\\w*|\\w*MemoryCache|\\w*ThreadPoolHandle|\\w*Stats\\w*|"
    "BoostedTrees\\w+|IsBoostedTrees\\w+|Cudnn\\w+|CTC\\w+|If|While|For|Case|Stateful\\w+|"
    "Batch|BatchFunction|Unbatch\\w*|SymbolicGradient|Assert|Print|PrintV2|Timestamp|ToBool|"
    "DeviceIndex|DummyIterationCounter|GetElementAtIndex|ComputeBatchSize|"
    "Conditional\\w+|ParameterizedTruncatedNormal|TruncatedNormal|NonDeterministicInts|Fact|"
    "ConsumeMutexLock|CheckPinned|SdcaOptimizer\\w*|SyncDevice|Optional\\w+|FakeParam|"
    "(Add|Take)\\w*Sparse\\w+Map|CheckNumerics\\w*|DeepCopy|DisableCopyOnRead|Empty|"
    "GuaranteeConst|ResourceStridedSliceAssign"
)


OF_FILES = "file|path|memory_region|address|(^|[ _])(log)?dir( |$)"


def test_every_operation_with_a_state_is_one_or_the_other():
    from tensorflow.python.framework import op_def_registry

    definitions = map(op_def_registry.get, dir(tf.raw_ops))
    stateful = [d.name for d in definitions if d is not None and d.is_stateful]
    assert len(stateful) > 300
    silent = [n for n in stateful if not effect_of(tf.compat.v1.NodeDef(op=n))]
    assert [name for name in silent if not re.fullmatch(HARMLESS, name)] == []


def test_every_operation_that_takes_the_name_of_a_file_is_known():
    from tensorflow.python.framework import op_def_registry

    definitions = [d for d in map(op_def_registry.get, dir(tf.raw_ops)) if d is not None]
    named = {d.name: " ".join(a.name for a in (*d.input_arg, *d.attr)) for d in definitions}
    files = [name for name, arguments in named.items() if re.search(OF_FILES, arguments)]
    assert len(files) > 30
    silent = {n for n in files if not effect_of(tf.compat.v1.NodeDef(op=n))}
    assert silent == {"CTCBeamSearchDecoder", "TensorSliceDataset"}  # `top_paths`, `is_files`
