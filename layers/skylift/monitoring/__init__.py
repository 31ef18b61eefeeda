"""What the service knows of its traffic: profiles by bin, drift, accuracy. Pure functions of documents and counts."""
