"""One module and one template for each section of a page; a section is a function of a run."""
