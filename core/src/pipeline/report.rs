//! `report`: a folder of exports as a page to listen to.
