"""Where bytes are kept: pictures, packs and feeds, in a folder or in object storage."""
