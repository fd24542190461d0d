"""The HTTP side: the channel, the resources, the streams between client and store."""
