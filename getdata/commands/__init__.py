"""The commands of ``getdata``, one subject a module. They need no portal and import no Django."""
