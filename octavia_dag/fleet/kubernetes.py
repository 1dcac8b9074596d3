"""A pod for each step of a run: those of the graph that ask for a GPU get one, and nobody else does.

Who asks is the graph's word (`Node.compute`), never a person's in a run's configuration: that may name the image of the
GPU steps (default: the variable OCTAVIA_GPU_IMAGE) and nothing else. What all pods share (secrets by reference, the
home's volume, the service account) comes from the run launcher, so this one wants Dagster's own K8sRunLauncher. Even if
that one is told to give its runs a GPU, a CPU step gets none: its resources are replaced, not laid over.

GPU nodes are found by the label that NVIDIA's feature discovery gives them, and their taint is tolerated; the taints by
which clouds mark interruptible nodes are tolerated by GPU steps alone. A step that loses its node is a failed step, and
the retry of its run finds in the store whatever was made before.
"""

from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
from dagster._core.executor.base import Executor
from dagster_k8s import K8sRunLauncher, k8s_job_executor

from octavia_dag.errors import SettingsError
from octavia_dag.graph import GRAPH

GPU = "nvidia.com/gpu"
GPU_IMAGE = "OCTAVIA_GPU_IMAGE"
GPU_NODES = {"nvidia.com/gpu.present": "true"}
GPU_TOLERATIONS = (
    {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
    {"key": "cloud.google.com/gke-spot", "operator": "Exists", "effect": "NoSchedule"},
    {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"},
)
# An interrupted node gives 25 s at the least; a step needs a few to take its scratch away.
GRACE_S = 25

_CPU = {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "8Gi"}}
_GPU = {"requests": {"cpu": "4", "memory": "16Gi"}, "limits": {"memory": "32Gi", GPU: "1"}}


def pod_config(gpu_image: str) -> dict[str, Any]:
    """What the executor is told: for every step, and for those of the graph's GPU nodes besides."""
    gpu_step = {
        "container_config": {"image": gpu_image, "resources": _GPU},
        "pod_spec_config": {"node_selector": dict(GPU_NODES), "tolerations": [dict(one) for one in GPU_TOLERATIONS]},
    }
    return {
        "step_k8s_config": {
            "container_config": {"resources": _CPU},
            "pod_spec_config": {"termination_grace_period_seconds": GRACE_S},
            "merge_behavior": "SHALLOW",
        },
        "per_step_k8s_config": {node.name: gpu_step for node in GRAPH.values() if node.compute == "gpu"},
    }


def kubernetes_steps() -> dg.ExecutorDefinition:
    """Dagster's k8s_job_executor, told as above."""
    checked = dg.ExecutorDefinition(
        name="kubernetes",
        config_schema=cast(Any, k8s_job_executor.config_schema),
        requirements=dg.multiple_process_executor_requirements(),
        executor_creation_fn=_created,
        description="A pod for each step, with a GPU for the steps that ask for one.",
    )
    image = dg.Field(dg.StringSource, default_value={"env": GPU_IMAGE}, description="The image of the GPU steps.")
    return checked.configured(_told, "kubernetes", {"gpu_image": image})


def _told(config: Mapping[str, str]) -> dict[str, Any]:
    return pod_config(config["gpu_image"])


def _created(context: dg.InitExecutorContext) -> Executor:
    """The executor, if the launcher of this installation is the one it takes the pods' common part from."""
    launcher = context.instance.run_launcher
    if not isinstance(launcher, K8sRunLauncher):
        raise SettingsError(
            f"Sending steps to Kubernetes: run_launcher in dagster.yaml is {type(launcher).__name__}, and pods of "
            "steps are made after those of K8sRunLauncher; name that one, or set OCTAVIA_STEPS to here."
        )
    create = k8s_job_executor.executor_creation_fn
    assert create is not None
    return create(context)
