"""Results as DICOM objects: segmentations, reports, presentation states, secondary captures and documents.

The objects are made from the files that were measured and from the results of a run. This is the only room that reads the names of
patients: late, from the header of a source, and only to write them on into objects of the same study. It needs the extra ``dicom``.
"""
