"""What TensorFlow's operations do besides computing: by name, in words."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

KINDS = {
    "writes files": (
        "WriteFile|Save|SaveSlices|SaveV2|MergeV2Checkpoints|SaveDataset|SaveDatasetV2|"
        "DistributedSave|(Experimental)?DatasetToTFRecord|CacheDataset|CacheDatasetV2|"
        "Snapshot\\w*Dataset(V2)?|Create\\w*Writer|\\w*SummaryWriter|Write\\w*Summary|ImportEvent"
    ),
    "writes files or sends data away": "Copy|CopyHost|Debug\\w+",
    "reads files": (
        "ReadFile|ImmutableConst|MatchingFiles|Restore|RestoreSlice|RestoreV2|"
        "\\w*Reader(V2)?|Reader\\w+|"
        "InitializeTableFromTextFile(V2)?|LoadDataset|ListSnapshotChunksDataset|RecordInput|"
        "(Experimental)?(MatchingFiles|CSV|LMDB|Sql|TFRecord|TextLine|FixedLengthRecord)Dataset"
        "(V2)?|(Decode|Encode)Proto(V2)?|GenerateVocabRemapping|LoadAndRemapMatrix|"
        "FixedUnigramCandidateSampler|Skipgram"
    ),
    "changes how files are read and written": "FileSystem\\w+",
    "runs Python": "(Eager)?PyFunc(Stateless)?",
    "runs a graph that is hidden in data": (
        "DatasetFromGraph|DeserializeIterator|RemoteFusedGraphExecute"
    ),
    "uses the network, or other machines": (
        "RemoteCall|Send|Recv|(Register|DataService)Dataset\\w*|DataService\\w+|Collective\\w+|"
        "Nccl\\w+|\\w*TPU\\w*|(In|Out)feed\\w+|WorkerHeartbeat|AllToAll|CrossReplicaSum|"
        "\\w*SparseCore\\w*|\\w*PhysicalReplica|StoreMinibatch\\w+|GlobalIterId|ConvertToCooTensor"
    ),
    "ends the process": "Abort",
}
"""What operations do, and a pattern of their names."""
STREAMS = (b"", b"stdout", b"stderr", b"log(info)", b"log(warning)", b"log(error)")
"""What `tf.print` may print to that is no file."""


def effect_of(node: Any) -> str:
    """What an operation does besides computing, in words; empty if nothing.

    Variables, random numbers, tables and calls of functions are part of computing.

    Args:
        node: A `NodeDef`.

    Example:
        >>> effect_of(tf.compat.v1.NodeDef(op="WriteFile")), effect_of(
        ...     tf.compat.v1.NodeDef(op="Conv2D"))
        ('writes files', '')
    """
    if node.op == "PrintV2" and "output_stream" in node.attr:
        return "" if node.attr["output_stream"].s in STREAMS else "writes files"
    for does, pattern in KINDS.items():
        if re.fullmatch(pattern, node.op):
            return does
    return "" if hasattr(tf.raw_ops, node.op) else "is unknown to this TensorFlow"
