/** Whether the device is a phone or tablet: its keyboard covers messages, and cannot begin a line by Shift and Enter. */
export const usesTouch = (): boolean => !matchMedia('(hover: hover)').matches;
