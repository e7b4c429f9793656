"""What knows MONAI Label and its web framework; imported only in the server's environment, after `usseg_monai.label_app.compat`."""
