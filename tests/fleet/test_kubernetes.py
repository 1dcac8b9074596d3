"""At risk: a step or a run that gets no GPU where it needs one or wastes one where it does not, and a pod that the
cluster refuses, or worse, takes without the field that was misspelt.

The objects are read as they went over the wire, and built through the client's typed models, unknown fields refused.
The chart itself is not here: what it makes of the values is made after its templates, as far as runs are concerned.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.reconstruct import reconstructable
from dagster._core.execution.api import create_execution_plan
from dagster._core.execution.context.system import PlanData, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import create_context_free_log_manager
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.base import Executor
from dagster._core.executor.init import InitExecutorContext
from dagster._core.executor.step_delegating import StepDelegatingExecutor, StepHandlerContext
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin
from dagster._core.system_config.objects import ResolvedRunConfig
from dagster._core.test_utils import create_run_for_test
from dagster._grpc.types import ExecuteStepArgs
from kubernetes import client
from kubernetes_api import Cluster, cluster
from kubernetes_objects import UnknownFieldError, manifest, typed

from octavia_dag import environment
from octavia_dag.definitions import JOBS, build
from octavia_dag.errors import InputError, SettingsError
from octavia_dag.fleet import kubernetes as fleet
from octavia_dag.graph import COMPUTE_TAG

pytestmark = pytest.mark.fleet

# An object of one of the client's models, which say of every field that it may be None.
Object = Any

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
CPU_IMAGE, CUDA_IMAGE = "octavia-dag-cpu:0.1.0", "octavia-dag-cuda:0.1.0"
SNAKE = {
    "loadInclusterConfig": "load_incluster_config",
    "imagePullPolicy": "image_pull_policy",
    "volumes": "volumes",
    "volumeMounts": "volume_mounts",
    "securityContext": "security_context",
    "resources": "resources",
}
SNAKE_RUN = {
    "containerConfig": "container_config",
    "podSpecConfig": "pod_spec_config",
    "podTemplateSpecMetadata": "pod_template_spec_metadata",
}


def loaded(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def laid_over(below: Any, above: Any) -> Any:
    """As Helm lays one file of values over another: mappings are joined, all else is replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        mine, theirs = cast("dict[str, Any]", below), cast("dict[str, Any]", above)
        return {key: laid_over(mine.get(key), theirs.get(key, mine.get(key))) for key in {**mine, **theirs}}
    return above


VALUES = loaded("values.yaml")
APART = laid_over(VALUES, loaded("steps.yaml"))
APART_RUNS = APART["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "manifests.yaml").read_text(encoding="utf-8")))


def launcher_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """`run_launcher` of the dagster.yaml that the chart makes of `values` with its release named dagster."""
    told = values["runLauncher"]
    if told["type"] == "CustomRunLauncher":
        return told["config"]["customRunLauncher"]
    theirs = told["config"]["k8sRunLauncher"]
    known = {*SNAKE, "envConfigMaps", "envSecrets", "runK8sConfig"}
    assert set(theirs) <= known, f"see the chart's template for {set(theirs) - known}"
    config = {SNAKE[key]: value for key, value in theirs.items() if key in SNAKE}
    return {
        "module": "dagster_k8s",
        "class": "K8sRunLauncher",
        "config": {
            **config,
            "job_namespace": "octavia",
            "service_account_name": "dagster",
            "dagster_home": values["global"]["dagsterHome"],
            "instance_config_map": "dagster-instance",
            "postgres_password_secret": values["global"]["postgresqlSecretName"],
            "env_config_maps": [one["name"] for one in theirs["envConfigMaps"]],
            "env_secrets": [one["name"] for one in theirs["envSecrets"]],
            "run_k8s_config": {SNAKE_RUN[key]: value for key, value in theirs["runK8sConfig"].items()},
        },
    }


def outside(launcher: dict[str, Any], kubeconfig: Path) -> dict[str, Any]:
    """The same launcher, led to a cluster that it does not run in; nothing else is changed."""
    told = json.loads(json.dumps(launcher))
    children = told["config"]["launchers"].values() if "launchers" in told["config"] else [told]
    for child in children:
        child["config"].update(load_incluster_config=False, kubeconfig_file=str(kubeconfig))
    return told


@pytest.fixture
def here(tmp_path: Path) -> Generator[Cluster]:
    with cluster(tmp_path) as found:
        yield found


def launched(values: Mapping[str, Any], here: Cluster, tags: dict[str, str]) -> Object:
    """The job of a whole run, as it reached the cluster."""
    launcher = outside(launcher_of(values), here.kubeconfig)
    with dg.instance_for_test(overrides={"run_launcher": launcher}) as instance:
        run = create_run_for_test(instance, job_name="nothing_job", tags=tags, job_code_origin=origin())
        instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    [(namespace, sent)] = here.jobs
    assert namespace == "octavia"
    return manifest(sent)


def origin() -> JobPythonOrigin:
    """A job of a code server whose image is the CPU one."""
    told = reconstructable(nothing_job).get_python_origin()
    return told._replace(repository_origin=told.repository_origin._replace(container_image=CPU_IMAGE))


@dg.op
def nothing() -> None:
    return


@dg.job
def nothing_job() -> None:
    nothing()


BARE = environment.Environment(
    home=Path("/octavia/home"),
    models_dir=Path("/octavia/home/models"),
    threads=1,
    has_voice_key=False,
    has_chat_key=False,
    has_memory_url=False,
    steps="kubernetes",
)


def job_of(name: str) -> dg.JobDefinition:
    return build(BARE).resolve_job_def(name)


def executor_of(job: dg.JobDefinition, instance: dg.DagsterInstance) -> Executor:
    """The executor of a run that is configured with nothing."""
    definition = job.executor_def
    assert definition.executor_creation_fn is not None
    config = ResolvedRunConfig.build(job, {}).execution.execution_engine_config
    return definition.executor_creation_fn(InitExecutorContext(InMemoryJob(job), definition, config, instance))


@dataclass(frozen=True)
class Step:
    """A step as it reached the cluster, and what its tag says it computes on."""

    tag: str
    job: Object

    @property
    def pod(self) -> Object:
        return pod_of(self.job)

    @property
    def container(self) -> Object:
        return container_of(self.job)


def steps_of(name: str, here: Cluster, launcher: dict[str, Any]) -> dict[str, Step]:
    """Every step of a job, launched one by one."""
    job = job_of(name)
    plan = create_execution_plan(job)
    found: dict[str, Step] = {}
    with dg.instance_for_test(overrides={"run_launcher": outside(launcher, here.kubeconfig)}) as instance:
        executor = executor_of(job, instance)
        assert isinstance(executor, StepDelegatingExecutor)
        run = create_run_for_test(instance, job_name=name, job_code_origin=origin())
        data = PlanData(InMemoryJob(job), run, instance, plan, raise_on_error=True, retry_mode=RetryMode.DISABLED)
        context = PlanOrchestrationContext(data, create_context_free_log_manager(instance, run), executor, None)
        for step in cast("list[ExecutionStep]", plan.steps):
            here.jobs.clear()
            args = ExecuteStepArgs(origin(), run.run_id, [step.key])
            handler = executor._step_handler  # pyright: ignore[reportPrivateUsage]
            list(handler.launch_step(StepHandlerContext(instance, context, [step], args)))
            [(_, sent)] = here.jobs
            found[step.key] = Step((step.tags or {}).get(COMPUTE_TAG, "cpu"), manifest(sent))
    return found


def pod_of(job: Object) -> Object:
    return job.spec.template.spec


def container_of(job: Object) -> Object:
    [found] = pod_of(job).containers
    return found


def gpus(container: Object) -> list[str]:
    asked = container.resources
    return [told[fleet.GPU] for told in (asked.limits or {}, asked.requests or {}) if fleet.GPU in told]


def keys_of(pod: Object) -> set[str]:
    return {one.key for one in pod.tolerations or []}


@pytest.fixture
def gpu_image(monkeypatch: pytest.MonkeyPatch) -> None:
    [told] = [one for one in APART_RUNS["containerConfig"]["env"] if one["name"] == fleet.GPU_IMAGE]
    monkeypatch.setenv(fleet.GPU_IMAGE, told["value"])


@pytest.mark.parametrize("name", [name for name, _ in JOBS.values()])
@pytest.mark.usefixtures("gpu_image")
def test_a_gpu_step_asks_for_a_gpu_and_a_cpu_step_does_not(name: str, here: Cluster) -> None:
    steps = steps_of(name, here, launcher_of(APART))
    assert {step.tag for step in steps.values()} == {"gpu", "cpu"}
    for step in steps.values():
        wants = step.tag == "gpu"
        assert gpus(step.container) == (["1"] if wants else [])
        assert (step.pod.node_selector or {}) == (fleet.GPU_NODES if wants else {})
        assert (fleet.GPU in keys_of(step.pod)) is wants
        assert step.container.image == (CUDA_IMAGE if wants else CPU_IMAGE)


@pytest.mark.usefixtures("gpu_image")
def test_the_step_of_all_checks_asks_for_no_gpu(here: Cluster) -> None:
    checks = steps_of("dub_video", here, launcher_of(APART))["promises"]
    assert gpus(checks.container) == []
    assert checks.pod.node_selector is None


@pytest.mark.usefixtures("gpu_image")
def test_a_cpu_step_asks_for_no_gpu_even_where_the_launcher_gives_its_runs_one(here: Cluster) -> None:
    launcher = launcher_of(APART)
    launcher["config"]["resources"] = {"limits": {fleet.GPU: "2"}}
    for step in steps_of("dub_video", here, launcher).values():
        assert gpus(step.container) == (["1"] if step.tag == "gpu" else [])


@pytest.mark.usefixtures("gpu_image")
def test_a_step_has_the_home_the_secrets_and_the_rights_of_its_run(here: Cluster) -> None:
    for step in steps_of("dub_video", here, launcher_of(APART)).values():
        assert {one.secret_ref.name for one in step.container.env_from if one.secret_ref} == {"octavia-secrets"}
        assert {one.config_map_ref.name for one in step.container.env_from if one.config_map_ref} == {"octavia"}
        assert "/octavia/home" in {one.mount_path for one in step.container.volume_mounts}
        assert {"OCTAVIA_STEPS", "DAGSTER_PG_PASSWORD"} <= {one.name for one in step.container.env}
        assert step.pod.service_account_name == "dagster"
        assert step.pod.security_context.run_as_non_root
        assert step.container.security_context.allow_privilege_escalation is False


def test_a_run_may_name_the_image_of_its_gpu_steps_and_no_resources() -> None:
    job = job_of("dub_video")
    told = ResolvedRunConfig.build(job, {"execution": {"config": {"gpu_image": "other:1"}}})
    per_step = told.execution.execution_engine_config["per_step_k8s_config"]
    assert {one["container_config"]["image"] for one in per_step.values()} == {"other:1"}
    greedy = {"step_k8s_config": {"container_config": {"resources": {"limits": {fleet.GPU: "8"}}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match="step_k8s_config"):
        ResolvedRunConfig.build(job, {"execution": {"config": {"gpu_image": "other:1", **greedy}}})


@pytest.mark.usefixtures("gpu_image")
def test_steps_apart_are_refused_where_the_launcher_is_another() -> None:
    with dg.instance_for_test() as instance, pytest.raises(SettingsError, match="K8sRunLauncher"):
        executor_of(job_of("dub_video"), instance)


def test_a_gpu_image_that_nobody_names_is_asked_for_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fleet.GPU_IMAGE, raising=False)
    with pytest.raises(dg.DagsterInvalidConfigError, match=fleet.GPU_IMAGE):
        ResolvedRunConfig.build(job_of("dub_video"), {})


@pytest.mark.parametrize(("tags", "wants"), [({COMPUTE_TAG: "gpu"}, True), ({COMPUTE_TAG: "cpu"}, False), ({}, False)])
def test_a_whole_run_asks_for_a_gpu_where_its_tag_says_so_and_for_none_where_it_says_nothing(
    tags: dict[str, str], wants: bool, here: Cluster
) -> None:
    job = launched(VALUES, here, tags)
    assert gpus(container_of(job)) == (["1"] if wants else [])
    assert (pod_of(job).node_selector or {}) == (fleet.GPU_NODES if wants else {})
    assert (fleet.GPU in keys_of(pod_of(job))) is wants
    assert container_of(job).image == (CUDA_IMAGE if wants else CPU_IMAGE)


def test_a_run_with_a_tag_that_no_launcher_has_reaches_no_cluster(here: Cluster) -> None:
    with pytest.raises(InputError, match="tpu"):
        launched(VALUES, here, {COMPUTE_TAG: "tpu"})
    assert here.jobs == []


def test_the_run_of_steps_apart_only_watches(here: Cluster) -> None:
    job = launched(APART, here, {COMPUTE_TAG: "gpu"})
    assert gpus(container_of(job)) == []
    assert keys_of(pod_of(job)) == set()
    told = {one.name: one.value for one in container_of(job).env}
    assert told["OCTAVIA_STEPS"] == "kubernetes"
    assert told[fleet.GPU_IMAGE] == CUDA_IMAGE


@pytest.mark.parametrize("values", [VALUES, APART], ids=["whole", "apart"])
def test_a_pod_may_be_interrupted_and_has_the_time_to_clean_up(values: dict[str, Any], here: Cluster) -> None:
    job = launched(values, here, {})
    assert pod_of(job).termination_grace_period_seconds == fleet.GRACE_S
    assert pod_of(job).restart_policy == "Never"
    assert (
        job.spec.backoff_limit == 0
    )  # Dagster makes a new run; the pod's own second life would be refused by the first
    annotations = job.spec.template.metadata.annotations
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


@pytest.mark.parametrize("values", [VALUES, APART], ids=["whole", "apart"])
def test_a_lost_run_is_found_and_run_again(values: dict[str, Any]) -> None:
    daemon, more = values["dagsterDaemon"], values["additionalInstanceConfig"]
    assert daemon["runMonitoring"]["enabled"]
    assert daemon["runMonitoring"]["freeSlotsAfterRunEndSeconds"] > 0
    assert not daemon["runRetries"]["enabled"]  # the chart would write a second block of the same name
    assert more["run_retries"]["max_retries"] > 0
    # A step's lost node is a lost run where runs are whole, and a failed step where steps go apart.
    assert more["run_retries"]["retry_on_asset_or_op_failure"] is (values is APART)


def test_the_steps_of_the_executor_and_the_runs_of_the_values_find_the_same_nodes(here: Cluster) -> None:
    pod = pod_of(launched(VALUES, here, {COMPUTE_TAG: "gpu"}))
    found = [{"key": t.key, "operator": t.operator, "value": t.value, "effect": t.effect} for t in pod.tolerations]
    assert found == [{"value": None, **one} for one in fleet.GPU_TOLERATIONS]


def test_every_secret_of_a_pod_is_a_reference(here: Cluster) -> None:
    container = container_of(launched(VALUES, here, {}))
    [password] = [one for one in container.env if one.name == "DAGSTER_PG_PASSWORD"]
    assert password.value is None
    assert password.value_from.secret_key_ref.name == "octavia-postgresql"
    plain = {one.name for one in container.env if one.value is not None}
    assert plain == {"DAGSTER_HOME", "DAGSTER_RUN_JOB_NAME"}


@pytest.mark.usefixtures("gpu_image")
def test_no_secret_of_whoever_launches_stands_in_what_the_cluster_is_sent(
    here: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_PG_PASSWORD", "OCTAVIA_VOICE_KEY", "OCTAVIA_MEMORY_URL", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hunter2")
    steps = steps_of("dub_video", here, launcher_of(APART))
    here.jobs.clear()
    sent = [client.ApiClient().sanitize_for_serialization(one.job) for one in steps.values()]
    sent.append(client.ApiClient().sanitize_for_serialization(launched(VALUES, here, {})))
    assert "DAGSTER_PG_PASSWORD" in json.dumps(sent)
    assert "hunter2" not in json.dumps(sent)


@pytest.mark.parametrize("data", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_what_the_typed_models_know(data: dict[str, Any]) -> None:
    manifest(data)


@pytest.mark.usefixtures("gpu_image")
def test_the_budget_and_the_policy_of_runs_meet_the_pods_of_runs_and_steps(here: Cluster) -> None:
    pods = [launched(VALUES, here, {}).spec.template]
    here.jobs.clear()
    pods += [one.job.spec.template for one in steps_of("analyse_video", here, launcher_of(APART)).values()]
    named = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in MANIFESTS if "spec" in one}
    for selector in (
        named["PodDisruptionBudget", "octavia-runs"]["selector"],
        named["NetworkPolicy", "octavia-runs"]["podSelector"],
    ):
        [told] = selector["matchExpressions"]
        assert told["operator"] == "In"
        assert all(one.metadata.labels[told["key"]] in told["values"] for one in pods)


def parts_of(values: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What the chart makes pods of."""
    [code] = values["dagster-user-deployments"]["deployments"]
    return [("code", code), ("webserver", values["dagsterWebserver"]), ("daemon", values["dagsterDaemon"])]


TYPES: dict[str, Any] = {
    "resources": client.V1ResourceRequirements,
    "podSecurityContext": client.V1PodSecurityContext,
    "securityContext": client.V1SecurityContext,
    "readinessProbe": client.V1Probe,
}
LISTS: dict[str, Any] = {
    "env": client.V1EnvVar,
    "envConfigMaps": client.V1ConfigMapEnvSource,
    "envSecrets": client.V1SecretEnvSource,
    "volumes": client.V1Volume,
    "volumeMounts": client.V1VolumeMount,
}


@pytest.mark.parametrize("values", [VALUES, APART], ids=["whole", "apart"])
def test_what_the_chart_puts_into_its_pods_is_what_the_typed_models_know(values: dict[str, Any]) -> None:
    for name, part in parts_of(values):
        for field, model in TYPES.items():
            if field in part:
                typed(model, part[field], f"{name}.{field}")
        for field, model in LISTS.items():
            for one in part.get(field, []):
                typed(model, one, f"{name}.{field}")
        assert fleet.GPU not in json.dumps(part)
        assert part["podSecurityContext"]["runAsNonRoot"]


@pytest.mark.parametrize("values", [VALUES, APART], ids=["whole", "apart"])
def test_the_code_server_does_not_hand_its_own_resources_to_runs(values: dict[str, Any]) -> None:
    [code] = values["dagster-user-deployments"]["deployments"]
    assert code["includeConfigInLaunchedRuns"] == {"enabled": False}


def test_every_volume_that_is_mounted_and_every_name_that_is_referred_to_is_there(here: Cluster) -> None:
    pod = pod_of(launched(VALUES, here, {}))
    volumes = {one.name for one in pod.volumes}
    assert {one.name for one in pod.containers[0].volume_mounts} <= volumes
    claims = {one.persistent_volume_claim.claim_name for one in pod.volumes if one.persistent_volume_claim}
    made = {(one["kind"], one["metadata"]["name"]) for one in MANIFESTS}
    assert {("PersistentVolumeClaim", name) for name in claims} <= made
    maps = {one.config_map_ref.name for one in pod.containers[0].env_from if one.config_map_ref}
    assert {("ConfigMap", name) for name in maps} <= made


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ({"spec": {"template": {"spec": {"containers": [], "nodeSelecter": {}}}}}, "nodeSelecter"),
        ({"spec": {"template": {"spec": {"containers": [{"name": "a", "resource": {}}]}}}}, "resource"),
        ({"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}, "name"),
        ({"spec": {"backoffLimit": "3", "template": {}}}, "backoffLimit"),
        ({"spec": {"template": {"spec": {"containers": [], "tolerations": {"key": "a"}}}}}, "tolerations"),
    ],
)
def test_a_field_that_no_model_knows_is_refused(spoilt: dict[str, Any], told: str) -> None:
    with pytest.raises(UnknownFieldError, match=told):
        manifest({"apiVersion": "batch/v1", "kind": "Job", **spoilt})
