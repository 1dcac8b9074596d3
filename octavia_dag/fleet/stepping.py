"""Where the steps of a run go, if they go apart: the installation chooses, for every job.

`here` keeps a run in one process, which loads a model once; that is what one machine wants, and what whole runs on
other machines want too. Steps that go apart let a CPU worker do what needs no GPU, and each pays with a process and a
load of its model.
"""

import dagster as dg


def executor_of(steps: str) -> dg.ExecutorDefinition:
    """The executor of all jobs; `steps` is here, celery or kubernetes."""
    if steps == "celery":
        from octavia_dag.fleet.celery_steps import celery_steps

        return celery_steps
    if steps == "kubernetes":
        from octavia_dag.fleet.kubernetes import kubernetes_steps

        return kubernetes_steps()
    return dg.in_process_executor
