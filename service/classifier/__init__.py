"""Scores normalised texts: features, ONNX sessions, the stages, the manifest's check."""

from service.classifier.classifier import Classifier, load_classifier
from service.classifier.manifest import ModelError, ModelLoadError, ModelScoreError
from service.classifier.stage import Stage

__all__ = ["Classifier", "ModelError", "ModelLoadError", "ModelScoreError", "Stage", "load_classifier"]
