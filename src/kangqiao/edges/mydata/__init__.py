"""A person takes along what is kept about them: a sheet to read, and a FHIR R4 bundle for other systems."""
