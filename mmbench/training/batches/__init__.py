"""Batches of a fold as trainers get them: their order, augmentation and modality dropout."""
