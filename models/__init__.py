"""Programs that train, check and export the shipped models; nothing here is needed to run the service."""
