"""The pinned emulator with a few routes of our own; run by the emulator's interpreter, see ``__main__``."""
