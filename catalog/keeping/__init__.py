"""The catalogue taken out whole: backups and exports."""
