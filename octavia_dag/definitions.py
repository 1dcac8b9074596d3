"""The only wiring: assets, jobs and tools of one installation.

Both jobs run in one process, also when started in the UI, unless the installation sends steps apart: a model is then
loaded once, and a step costs a fraction of a second of orchestration instead of the several seconds of a process per
step. Dagster cannot hold video partitions and dub partitions in one job, hence two.
"""

from typing import Any

import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets import analysis, checks, delivery, localization, qa, source, voices
from octavia_dag.assets.failing import RETRIES
from octavia_dag.assets.slices import slice_assets
from octavia_dag.environment import CHAT_KEY, MEMORY_URL, REMOTE_KEY, RUNPOD_KEY, VOICE_KEY, WEBHOOK, Environment
from octavia_dag.fleet.endpoint import Endpoint
from octavia_dag.fleet.stepping import executor_of
from octavia_dag.graph import Granularity, of_granularity
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.catalogue import Catalogue
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.launch import Launch
from octavia_dag.resources.media import Media
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.notices import Notices
from octavia_dag.resources.storage import Storage
from octavia_dag.resources.workshop import Vault, Workshop
from octavia_dag.sensors.automation import automation_sensor
from octavia_dag.sensors.catalogue import catalogue_nights, night_job, night_schedule
from octavia_dag.sensors.delivering import delivering_sensor
from octavia_dag.sensors.drop_folder import drop_folder_sensor
from octavia_dag.sensors.handing_over import deliver_dubs
from octavia_dag.sensors.notices import failure_sensor, held_sensor
from octavia_dag.sensors.overview import overview_sensor, status_spec
from octavia_dag.sensors.taking import take_uploads
from octavia_dag.sensors.warm_pool import warm_pool_sensor

MODULES = (source, analysis, voices, localization, delivery, qa, checks)
JOBS: dict[Granularity, tuple[str, str]] = {
    "video": (
        "analyse_video",
        "Everything that does not depend on the target language: stems, speakers, transcript.",
    ),
    "dub": ("dub_video", "One video into one language, from the cast to the report."),
}


# Where a storage is named: what is dropped there is taken, and what became of it is put there.
STORAGE_JOBS = (take_uploads, deliver_dubs)


def storage_sensors() -> list[dg.SensorDefinition]:
    """The sensors over the storage."""
    return [drop_folder_sensor(take_uploads), delivering_sensor(deliver_dubs)]


def workshop(environment: Environment, launch: Any = None) -> Workshop:
    """The tools, pointed at one installation; secrets by the name of their variable, never by value.

    `launch` is where a run's own configuration comes from; by default there is none.
    """
    return Workshop(
        store=ArtifactStore(root=str(environment.store), scratch=str(environment.scratch)),
        media=Media(models_dir=str(environment.models_dir)),
        engines=EngineRoom(
            models_dir=str(environment.models_dir),
            threads=environment.threads,
            device=environment.device,
            chat_key=dg.EnvVar(CHAT_KEY) if environment.has_chat_key else "",
            remote_key=dg.EnvVar(REMOTE_KEY) if environment.has_remote_key else "",
        ),
        vault=Vault(
            key=dg.EnvVar(VOICE_KEY) if environment.has_voice_key else "",
            key_file=str(environment.voice_key_file),
            makes_key=not environment.has_memory_url,
        ),
        memory=Memory(
            file=str(environment.memory_file), url=dg.EnvVar(MEMORY_URL) if environment.has_memory_url else ""
        ),
        launch=launch or Launch(),
        one_process=environment.steps == "here",
        storage=Storage(
            url=environment.storage,
            endpoint=environment.s3_endpoint,
            region=environment.s3_region,
            fetched=str(environment.fetched),
            most_bytes=environment.fetched_gb << 30,
        ),
    )


def catalogue(environment: Environment) -> Catalogue:
    """The catalogue at the root of the storage; where none is named, in the home."""
    return Catalogue(root=environment.storage or str(environment.home))


def endpoint(environment: Environment) -> Endpoint:
    """The endpoint whose workers are kept warm, where one is named."""
    return Endpoint(
        name=environment.runpod_endpoint,
        key=dg.EnvVar(RUNPOD_KEY) if environment.has_runpod_key else "",
        jobs_url=environment.runpod_jobs_url,
        rest_url=environment.runpod_rest_url,
    )


def build(environment: Environment) -> dg.Definitions:
    """Everything Dagster needs to know of one installation."""
    launch, executor = Launch.configure_at_launch(), executor_of(environment.steps)
    jobs = [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*(node.name for node in of_granularity(granularity))),
            executor_def=executor,
            # Where steps go apart, one whose worker is lost is tried again.
            op_retry_policy=None if environment.steps == "here" else RETRIES,
            description=description,
        )
        for granularity, (name, description) in JOBS.items()
    ]
    told = dg.DefaultSensorStatus.RUNNING if environment.has_webhook else dg.DefaultSensorStatus.STOPPED
    return dg.Definitions(
        assets=[*dg.load_assets_from_modules(MODULES), *slice_assets, catalogue_nights, status_spec],
        asset_checks=dg.load_asset_checks_from_modules(MODULES),
        jobs=[*jobs, night_job, *(STORAGE_JOBS if environment.storage else ())],
        schedules=[night_schedule(environment.store)],
        sensors=[
            automation_sensor(jobs),
            overview_sensor(),
            failure_sensor(told),
            held_sensor(told),
            *(storage_sensors() if environment.storage else ()),
            *([warm_pool_sensor()] if environment.runpod_endpoint else []),
        ],
        resources={
            "launch": launch,
            "workshop": workshop(environment, launch),
            "catalogue": catalogue(environment),
            **({"endpoint": endpoint(environment)} if environment.runpod_endpoint else {}),
            "notices": Notices(webhook=dg.EnvVar(WEBHOOK) if environment.has_webhook else "", ui=environment.ui_url),
        },
        executor=executor,
    )


defs = build(surroundings.read())
