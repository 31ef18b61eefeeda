"""What the service knows of its traffic: profiles by bin, drift, accuracy. Pure, but for `monitor` and its sources."""
