"""The scenario runner: clients, dialogues and reports. Standard library only."""
