"""Without network: cores for holders' devices, bundles for officers' devices, inspections that are sent later."""
