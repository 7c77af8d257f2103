"""Weight formats, one file each: how the rows of a synapse memory are encoded, and which weights occupy a lane."""
