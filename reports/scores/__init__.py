"""Numbers about answers: single pictures, distributions of pictures, ensembles of samples, intervals over images."""
