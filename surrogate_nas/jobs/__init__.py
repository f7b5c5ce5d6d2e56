"""The jobs that Hydra configures, a module each, whose ``run(config, folder, chosen)`` leaves a run folder.

``config`` is the whole configuration as plain values, and ``chosen`` the name that it took of each group, such as
``{"sampler": "tpe"}``.
"""
