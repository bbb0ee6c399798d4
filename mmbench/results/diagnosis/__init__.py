"""Diagnosis of a trained model: predictions with modalities removed, shuffled, noisy or shifted in time.

Nothing is trained here and no label is read: scores follow from the predictions in the records.
"""
