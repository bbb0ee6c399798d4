"""What each modality is worth to a trained model: its predictions with modalities taken away, exchanged, noisy or late.

Nothing is trained here and no label is read: scores are made of the predictions in the records, as all others are.
"""
