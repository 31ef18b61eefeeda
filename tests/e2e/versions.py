"""Versions that the end-to-end tests put on trial."""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from skylift.store import VersionStore
from tests.e2e.stack import Stack
from tests.support.models import IRIS_SETOSA, trained_iris, uncompiled
from training.release.packaging import pack

UNSEEN = IRIS_SETOSA | {"sepal_length": 5.037}
"""A flower that the version of `publish_failing` fails, and no other does."""


def publish_failing(stack: Stack) -> str:
    """Publish a version that answers its golden requests, and raises for values that training never saw; its name."""
    trained = trained_iris("tree")
    refuse_unknown = OrdinalEncoder(handle_unknown="error")
    drop_all = FunctionTransformer(partial(np.delete, obj=slice(None), axis=1))
    guard = FeatureUnion([("values", "passthrough"), ("guard", make_pipeline(refuse_unknown, drop_all))])
    guard.fit(trained.table.rows)
    failing = replace(trained, estimator=make_pipeline(guard, trained.estimator))
    package = pack(uncompiled(failing))
    s3 = stack.aws.client("s3", stack.assume("Publish"))
    version = VersionStore(stack.outputs["ModelBucketName"], "iris", client=s3).publish(
        package.describe, package.artifacts
    )
    return version.reference.name
